FROM tiny
ENV BASE=/var/lib
VOLUME $BASE/a ${BASE}/b
VOLUME ["$BASE/c"]
