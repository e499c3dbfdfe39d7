"""HTTP: the route table and thin handlers, from an `Exchange` and the `Services` to an `Answer`."""
