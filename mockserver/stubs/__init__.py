"""What the test says: stubs, and the book that decides which one answers.

stub        the values: Stub, Matcher, Outcome, Times, ...      builder     the same, said in Python
view        what is seen of a request                           document    the same, as JSON
match       whether a request matches, and why not              loader      files of documents, watched
book        the stubs of one session, consumed                  words       header and directive
patterns, jsonpath, template, text: tools of these
"""
