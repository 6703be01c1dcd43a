FROM full
VOLUME /another
