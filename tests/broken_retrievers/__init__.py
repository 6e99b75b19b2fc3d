"""A retriever with one fault each; the contract kit must be red on every one of them."""
