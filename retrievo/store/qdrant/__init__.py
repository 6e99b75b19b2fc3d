"""The store on a Qdrant server; nothing here is imported before a pipeline asks for it."""
