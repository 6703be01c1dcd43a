# buildah 1.28 has no --network in RUN.
FROM box
RUN echo ran > /ran
RUN echo ran > /ran2
RUN echo ran > /ran3
