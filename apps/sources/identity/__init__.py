"""Who is who: rules from external names to the catalog, the names nobody knows, and healing what is stored."""
