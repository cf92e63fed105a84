"""What Azure is asked: who we are, what we may, the machine, its disks, the doors to it and to the key."""
