# Symbolic modes came after buildah 1.28.
FROM tiny
COPY dir /dir
COPY --chmod=755 one /x
COPY --chmod=4715 script.sh /s
