"""Everything that reads about incidents."""
