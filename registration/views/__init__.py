"""The pages of the journey beside the wizard's."""
