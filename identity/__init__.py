"""Identity: asks registries about persons and owners of mobiles, compares the answers with claims, loads extracts."""
