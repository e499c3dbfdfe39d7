"""Uploaded files: where they are kept, how they are listed, and how a question finds its documents.

store       what a store must do, and what it says about a file
memory      the default store
disk        the store that outlives a restart (`--data-dir`)
limits      what an upload may be
listing     the filters and pages of both dialects' lists
references  which documents a qwen-long request names, and the rules for its messages
library     from file ids to document texts
"""
