"""What the integration tests stand on: real registries, image builders, independent readers and a virtual machine."""
