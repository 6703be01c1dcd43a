# buildah 1.28 has no heredocs.
FROM box AS made
RUN echo 'plain value value' > /one; echo 'quoted $V' > /two; echo '#!/bin/sh' > /run.sh; echo 'echo $V' >> /run.sh
FROM tiny
ENV V=value
COPY --from=made /one /two /etc/made/
COPY --from=made --chmod=755 --chown=app /run.sh /bin/run.sh
