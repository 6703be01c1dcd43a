FROM box
RUN set -e; \
    for i in 1 2 3; do \
        echo $i >> /out; \
    done; \
    # done
    echo end >> /out
