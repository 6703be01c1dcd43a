# buildah 1.28 has neither --link nor --exclude.
FROM tiny
ADD archives/gz.tar.gz /un/
ADD deep/down/file /down/file
