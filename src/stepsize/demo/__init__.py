"""The demonstration that `stepsize demo` runs: real images, a small network, real defaults beside it."""
