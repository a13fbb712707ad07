"""Our own programs, each a server and a client, as their language would have them."""
