"""What people do in chat -> orders. One module a concern; each handler runs inside one unit of work."""
