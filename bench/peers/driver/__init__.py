"""What bench/peers/compare is made of. Python's standard library only; rows.py and recipe.py serve the peers as well."""
