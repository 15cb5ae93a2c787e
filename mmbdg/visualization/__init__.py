"""Pictures for people: contact sheets, features as colours, correspondence of two views."""
