FROM box
RUN mkdir -p /var/lib/apt/lists && touch /var/lib/apt/lists/x && mkdir /opt && touch /opt/installed && rm -rf /var/lib/apt/lists/*
