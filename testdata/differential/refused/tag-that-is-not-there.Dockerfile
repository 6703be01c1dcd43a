ARG REGISTRY
FROM $REGISTRY/library/tiny:not-there
