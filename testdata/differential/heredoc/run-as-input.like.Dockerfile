# buildah 1.28 has no heredocs.
FROM box
RUN echo "plain $HOME" > /out; echo 'plain $HOME \' > /quoted; echo first > /first; echo "two's text" > /second
