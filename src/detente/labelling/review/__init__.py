"""Labels by people: files for the tools they use, a local page, and gold from what they said."""
