FROM tiny
ENV V=value
COPY <<one <<-"two" /etc/made/
plain $V ${V}
one
	quoted $V
two
COPY --chmod=0755 --chown=app <<run.sh /bin/run.sh
#!/bin/sh
echo \$V
run.sh
