FROM full
USER root
