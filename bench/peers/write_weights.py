"""Writes the weights that a recipe's training begins with in a comparison of losses: write_weights.py RECIPE FILE."""

import sys

from safetensors.numpy import save_file

import worker

recipe, path = sys.argv[1:]
save_file(worker.first_weights(worker.read_recipe(recipe)), path)
