# buildah 1.28 has no --unpack.
FROM tiny
COPY archives/gz.tar.gz /kept/
ADD archives/plain.tar /un/
