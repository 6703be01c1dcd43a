# buildah 1.28 has no --exclude.
FROM tiny
COPY deep/down/file /a/file
COPY dir/a /b/a
COPY html/index.html /c/index.html
WORKDIR /c/css
WORKDIR /c/js
WORKDIR /
