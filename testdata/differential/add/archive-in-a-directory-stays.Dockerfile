FROM tiny
ADD archives /archives
