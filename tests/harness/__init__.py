"""What the tests run against: real HTCondor pools, real bindings, ordinary users, leak checks."""
