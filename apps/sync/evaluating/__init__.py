"""Carrying out the portal's own evaluations: the only part of them that talks to the network."""
