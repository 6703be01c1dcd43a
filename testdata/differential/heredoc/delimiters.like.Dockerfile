# buildah 1.28 has no heredocs.
FROM box
RUN echo text > /out; printf '  EOF\nEOFX\nafter\n' > /out2
