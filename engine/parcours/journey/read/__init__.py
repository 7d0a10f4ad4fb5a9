"""Reading of a project folder: files to data, data to validated documents, each fault a finding."""
