"""From samples of a fictional world to a tuned model: recipe, examples, the loop, what is kept of it."""
