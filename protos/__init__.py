"""What goes over the wire: protocol definitions, and the code that `make protos` generates from them."""
