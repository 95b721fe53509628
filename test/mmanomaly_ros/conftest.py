"""Makes ``tiny_graphs`` known to the tests in folders below."""
