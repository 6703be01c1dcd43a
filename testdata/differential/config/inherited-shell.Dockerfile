FROM full
RUN echo $0 > /tmp/shell
CMD echo hi
