"""What asks a language model for text: the chat client, and the answers that were given before."""
