FROM tiny
ENV X=${NOT_DECLARED:-none}
