# buildah 1.28 gives secrets as files only.
FROM box
RUN printf '2\n\n' > /out
