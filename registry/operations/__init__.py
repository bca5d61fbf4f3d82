"""What whoever runs the register needs: is it well, and what is wrong with it."""
