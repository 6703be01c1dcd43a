# buildah 1.28 has no heredocs.
FROM box
RUN echo one > /out; X=two; echo $X >> /out
RUN echo tabs > /tabs
