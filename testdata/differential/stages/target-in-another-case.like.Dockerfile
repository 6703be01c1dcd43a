# buildah takes names of stages as they are written; docker compares --target without regard to case.
FROM tiny AS fIRST
WORKDIR /first
FROM tiny
WORKDIR /last
