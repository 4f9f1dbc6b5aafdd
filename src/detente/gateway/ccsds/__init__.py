"""Navigation messages of the CCSDS, for those whose tools speak them: OEM, OCM and TDM, in and out."""
