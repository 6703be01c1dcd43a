FROM triggers
ONBUILD RUN echo later
