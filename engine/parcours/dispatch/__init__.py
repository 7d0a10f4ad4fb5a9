"""How do deliveries get out? Channels are found, messages rendered, and a dispatcher sends."""
