FROM tiny
EXPOSE 80/icmp
