ARG REGISTRY
FROM $REGISTRY/library/not-there
