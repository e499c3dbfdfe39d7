"""The contract-test kit: whether a client, in any language, follows the service's contract."""
