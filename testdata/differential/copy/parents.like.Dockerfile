# buildah 1.28 has no --parents.
FROM tiny
COPY dir/sub/b /whole/dir/sub/b
COPY one /whole/one
COPY deep/down/file /part/down/file
COPY dir/sub/b /matched/dir/sub/b
